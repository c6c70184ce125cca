"""Code tables: what each entry is called in LOINC, SNOMED CT, RxNorm, CVX, ICD-10-CM and UCUM."""
