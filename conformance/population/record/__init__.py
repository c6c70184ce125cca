"""The record of one patient: builders of resources that share a chart and a visit."""
