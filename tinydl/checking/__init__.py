"""Is this gradient right? Read gradcheck.py, then numerical.py and causes.py; the others test the tests."""
