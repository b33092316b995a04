import xgboost


class Model:
    def load(self, path):
        self.trees = xgboost.XGBClassifier(n_jobs=1)
        self.trees.load_model(path)

    def predict(self, table):
        return {"label": self.trees.predict(table), "probabilities": self.trees.predict_proba(table)}
