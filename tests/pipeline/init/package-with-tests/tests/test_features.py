from churn import features
