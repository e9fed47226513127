// Owns the dashboard.
