"""The domains. Run from the root: `services/calendar` would shadow the standard library's."""
