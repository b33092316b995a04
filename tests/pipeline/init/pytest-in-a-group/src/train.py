open("model.onnx", "w")
