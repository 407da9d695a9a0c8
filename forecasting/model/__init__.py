"""The forecast of one series: Prophet, intervals and their calibration."""
