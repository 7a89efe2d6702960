"""The domains. Run from the repository's root: `services/calendar` would shadow the standard library."""
