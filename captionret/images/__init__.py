"""Pictures: found in folders, given in any form, decoded, and cut for a backbone. Nothing else opens one."""

from .batches import WHOLE, DecodedBatch, View, decoded_batches, load_views, prepare
from .folders import EXTENSIONS, find_images, image_files, kind_of
from .opening import MAX_BYTES, MAX_MEMORY, MAX_PIXELS, read_facts
from .pictures import ImageInput, Picture, as_picture, as_pictures, open_image

__all__ = [
    "EXTENSIONS",
    "MAX_BYTES",
    "MAX_MEMORY",
    "MAX_PIXELS",
    "WHOLE",
    "DecodedBatch",
    "ImageInput",
    "Picture",
    "View",
    "as_picture",
    "as_pictures",
    "decoded_batches",
    "find_images",
    "image_files",
    "kind_of",
    "load_views",
    "open_image",
    "prepare",
    "read_facts",
]
