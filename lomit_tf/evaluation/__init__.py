"""Measuring a trained model: metrics, the attribute classifier, the report, and the user study."""
