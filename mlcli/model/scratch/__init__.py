"""Parts of networks in NumPy alone, for reading: each does in a few lines what torch does out of sight, and is tested
against torch. Networks that train are in the folder above."""
