"""HTTP for programs: health, metrics, webhooks in. `app.create_app` puts it together."""
