"""The same metrics of the same table by scikit-learn; one line of JSON."""

import json
import sys
import time

import numpy as np
import pyarrow.parquet as parquet
from sklearn import metrics as m

started = time.perf_counter()
table = parquet.read_table(sys.argv[1])
truth = np.asarray(table["label"].to_numpy())
predicted = np.asarray(table["prediction"].to_numpy())
scores = np.column_stack([table["score_no"].to_numpy(), table["score_yes"].to_numpy()])
positive = truth == "yes"
found = {
    "accuracy": m.accuracy_score(truth, predicted),
    "balanced-accuracy": m.balanced_accuracy_score(truth, predicted),
    "auc": m.roc_auc_score(positive, scores[:, 1]),
    "pr-auc": m.average_precision_score(positive, scores[:, 1]),
    "log-loss": m.log_loss(positive, scores, labels=[False, True]),
    "brier": m.brier_score_loss(positive, scores[:, 1]),
}
for average in ("macro", "weighted"):
    precision, recall, f1, _ = m.precision_recall_fscore_support(truth, predicted, average=average)
    found |= {f"precision-{average}": precision, f"recall-{average}": recall, f"f1-{average}": f1}
confusion = m.confusion_matrix(truth, predicted)
right = truth == predicted
slices = []
for column in ("ink", "source"):
    values = np.asarray(table[column].to_numpy())
    slices += [[column, str(value), float(right[values == value].mean())] for value in np.unique(values)]
seconds = time.perf_counter() - started
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"evaluateSeconds": seconds, "cpuSeconds": time.process_time(), "peakMiB": int(peak.split()[1]) / 1024, "metrics": {k: float(v) for k, v in found.items()}, "slices": slices}))
