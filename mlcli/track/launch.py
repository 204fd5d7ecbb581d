def start_courier(outputs, uri, experiment):
    raise NotImplementedError
