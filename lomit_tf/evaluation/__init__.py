"""Measuring a trained model: metrics, judges, the report, and the user study."""
