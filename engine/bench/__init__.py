"""Speed and memory of sampling, against what the machine's matrix products allow."""
