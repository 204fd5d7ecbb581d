"""What tasks that train one network by gradient descent share."""
