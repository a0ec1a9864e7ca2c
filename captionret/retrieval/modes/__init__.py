"""The modes of retrieval, one small object each, and the registry that holds them."""
