"""What the `piccolo` command line reads: the same database as `djangobot run` in this folder."""

from djangobot.db.conf import APP_REGISTRY, DB

__all__ = ["APP_REGISTRY", "DB"]
