"""Encoders of other libraries, which put pictures and texts into one space: CLIP, SigLIP and their like.

encoder = load_encoder("open_clip:ViT-B-32/laion2b_s34b_b79k")
encoder.encode_images(["a.jpg", "b.jpg"]) @ encoder.encode_texts(["a dog"]).T  # (2, 1) cosines
"""

from .encoder import PictureEncoder, Towers
from .rows import ENCODERS, EncoderKind, is_encoder, load_encoder

__all__ = ["ENCODERS", "EncoderKind", "PictureEncoder", "Towers", "is_encoder", "load_encoder"]
