"""The people we sell to, the companies where they happen to be, and every touch with them."""
