"""What the tests of commands about data share."""

from __future__ import annotations

NAMES = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income_bracket"
)
CENSUS = ["--names", NAMES, "--strip", "--null", "?"]
