"""What the command line, Python and the web page all do. No argparse, no print."""
