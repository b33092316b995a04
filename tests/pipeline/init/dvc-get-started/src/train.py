import pickle
open("model.pkl", "wb")
