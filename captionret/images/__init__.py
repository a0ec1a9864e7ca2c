"""Pictures: found in folders, given in any form, decoded, and cut for a backbone. Nothing else opens one."""

from .batches import WHOLE, DecodedBatch, View, decoded_batches, load_views, prepare
from .folders import EXTENSIONS, find_images, image_files, is_picture, kind_of, rules_of
from .hashes import alike_pairs, differing_bits, perceptual_hash, perceptual_hashes
from .ignoring import IGNORE_FILE, Rules, checked_patterns
from .opening import MAX_BYTES, MAX_MEMORY, MAX_PIXELS, read_facts
from .pictures import ImageInput, Picture, as_picture, as_pictures, open_image

__all__ = [
    "EXTENSIONS",
    "IGNORE_FILE",
    "MAX_BYTES",
    "MAX_MEMORY",
    "MAX_PIXELS",
    "WHOLE",
    "DecodedBatch",
    "ImageInput",
    "Picture",
    "Rules",
    "View",
    "alike_pairs",
    "as_picture",
    "as_pictures",
    "checked_patterns",
    "decoded_batches",
    "differing_bits",
    "find_images",
    "image_files",
    "is_picture",
    "kind_of",
    "load_views",
    "open_image",
    "perceptual_hash",
    "perceptual_hashes",
    "prepare",
    "read_facts",
    "rules_of",
]
