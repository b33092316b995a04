import torch


class Model:
    def load(self, path):
        torch.set_num_threads(1)
        self.layer = torch.nn.Linear(2, 2)
        self.layer.load_state_dict(torch.load(path, weights_only=True))

    def predict(self, table):
        with torch.no_grad():
            scores = torch.softmax(self.layer(torch.tensor(table.to_numpy(), dtype=torch.float32)), dim=1)
        return {"label": scores.argmax(dim=1).numpy(), "probabilities": scores.numpy()}
