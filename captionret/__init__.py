"""captionret finds images by what they say. Importing it does not import torch: the public names load on first use."""
