"""What failed, and which rows are to blame: verdicts, evidence, tries, rounds, and how spans are split."""
