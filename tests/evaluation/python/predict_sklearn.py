import pickle


class Model:
    def load(self, path):
        with open(path, "rb") as file:
            self.tree = pickle.load(file)

    def predict(self, table):
        return {"label": self.tree.predict(table), "probabilities": self.tree.predict_proba(table)}
