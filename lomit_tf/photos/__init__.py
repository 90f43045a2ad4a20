"""Photographs: the translator, requests and results, files and folders, Beam jobs."""
