"""What somebody has to be told of because time passes (N-07)."""
