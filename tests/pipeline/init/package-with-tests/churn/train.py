from churn import features
save("model.onnx")
