"""The outcome tables by name, wherever they come from."""

import polars as pl


class Tables:
    """The tables of some scenarios as Polars LazyFrames, each sorted by its keys."""

    def scan(self, table: str) -> pl.LazyFrame:
        """One table, by name."""
        raise NotImplementedError

    def flows(self) -> pl.LazyFrame:
        """Value, quantity, price and duty of every baseline flow."""
        return self.scan("flows")

    def exporters(self) -> pl.LazyFrame:
        """Producer price, output and surplus by exporter and product."""
        return self.scan("exporters")

    def importers(self) -> pl.LazyFrame:
        """Price index, spending and surplus by importer and product."""
        return self.scan("importers")

    def diversion(self) -> pl.LazyFrame:
        """Trade creation and diversion of every flow."""
        return self.scan("diversion")

    def transfers(self) -> pl.LazyFrame:
        """Duties and export taxes by payer, receiver and authority."""
        return self.scan("transfers")

    def welfare(self) -> pl.LazyFrame:
        """Surplus, revenue and their sum by country and product."""
        return self.scan("welfare")

    def limits(self) -> pl.LazyFrame:
        """Quantity limits and shadow prices."""
        return self.scan("limits")

    def parameters(self) -> pl.LazyFrame:
        """Elasticities in use, by product and exporter; the same in every scenario."""
        return self.scan("parameters")

    def status(self) -> pl.LazyFrame:
        """How the solver ended on every product."""
        return self.scan("status")


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """A table with its keys as strings, not Enums."""
    return frame.with_columns(pl.col(pl.Enum).cast(pl.String))
