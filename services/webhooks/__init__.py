"""Say in one sentence what webhooks are to the business."""
