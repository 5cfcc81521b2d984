"""Where did a gradient come from? Read explain.py, then rules.py and paths.py."""
