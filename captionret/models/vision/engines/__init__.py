"""What runs a CNN over pictures: a table of engines and precisions, and one module for each engine.

    captionret index ~/Pictures --engine openvino --precision bfloat16

An engine reads squares of pixels and gives the same features as plain PyTorch. At a lower precision they
differ a little: such features are kept apart by name.
"""
