"""What is measured: captions, rankings, relevance."""
