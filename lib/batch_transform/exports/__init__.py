"""How staged rows become objects on S3: a module for each export way, whose WAY writes them."""
