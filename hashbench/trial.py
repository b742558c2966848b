"""One trial, from data to record."""

import shutil
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch

from hashbench import fitting, references
from hashbench.card import leaks, make_card
from hashbench.codes import Codes
from hashbench.dataset import Dataset, Split, protocol_of
from hashbench.device import pick_device
from hashbench.errors import Incompatible
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_features
from hashbench.features.cache import cached_features
from hashbench.features.spec import extractor
from hashbench.fitting import Inputs
from hashbench.job import FLOAT_FEATURES, RANDOM_CODES, Event, Job, Settings
from hashbench.measuring import measure
from hashbench.method import HashMethod, RunContext
from hashbench.records.draft import draft, explain, fit_seed
from hashbench.records.environment import host_peak_bytes
from hashbench.records.store import Record, Store
from hashbench.registry import DATASETS, METHODS


@dataclass(frozen=True)
class Loaded:
    """A protocol's data set and index sets; ``split.train`` is cut to the trial's limit."""

    dataset: Dataset
    split: Split


class TrialRun:
    """Carries out one job: load, features, fit, encode, evaluate, throughput."""

    def __init__(self, job: Job, settings: Settings, listener: Callable[[Event], None]) -> None:
        self.job, self.settings, self.listener = job, settings, listener
        self.store = Store(settings.results)
        self.device = pick_device(settings.device)
        self.record = draft(job, settings)
        self.phase: str | None = None

    def run(self) -> Record:
        """Write codes, state, throughput and, last, the record.

        An exception becomes a record that says in which phase it happened; only what ends the process gets through.
        """
        self.store.prepare()
        self.store.sweep(self.job)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        try:
            self._carry_out()
            self.record["status"] = "ok"
        except Incompatible as reason:
            explain(self.record, "skipped", self.phase, str(reason), [], type(reason).__name__)
        except Exception as error:
            self._fail(error)
        self.record["memory"] = {
            "host_peak_bytes": host_peak_bytes(),
            "device_peak_bytes": torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None,
        }
        self.store.write_record(self.job, self.record)
        if self.record["status"] == "ok":
            shutil.rmtree(self.store.checkpoint_folder(self.job), ignore_errors=True)
        return self.record

    def _fail(self, error: Exception) -> None:
        lines = traceback.format_exception(error)
        sys.stderr.writelines(lines)
        status = "oom" if isinstance(error, (MemoryError, torch.OutOfMemoryError)) else "failed"
        log = "".join(lines).splitlines()
        explain(self.record, status, self.phase, str(error) or repr(error), log, type(error).__name__)

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.phase = name
        self.listener(Event(self.job.key, "phase", name))
        start = time.perf_counter()
        try:
            yield
        finally:
            self.record["seconds"][name] = time.perf_counter() - start

    def _carry_out(self) -> None:
        with self._phase("load"):
            loaded = self._load()
        with self._phase("features"):
            inputs = self._inputs(loaded)
        if self.job.trial.method == FLOAT_FEATURES:
            self._float_reference(inputs, loaded.split)
            return
        if self.job.trial.method == RANDOM_CODES:
            query, database = self._random_reference(loaded.split)
            self._evaluate(query, database, inputs, loaded.split)
            return
        method, run = self._fit(inputs, loaded.split)
        with self._phase("encode"):
            query, database = (
                fitting.encode(method, inputs.batches(method, items, run))
                for items in (loaded.split.query, loaded.split.database)
            )
        self._evaluate(query, database, inputs, loaded.split)
        if self.settings.save_state:
            state = {name: value.detach().cpu().contiguous() for name, value in method.state().items()}
            self.store.write_state(self.job, safetensors.torch.save(state))
        with self._phase("throughput"):
            extract = extractor(self.job.trial.features)
            measured = measure(method, run, inputs, loaded.split, (query, database), extract)
            self.store.write_throughput(self.job, {"format": 1, "key": self.job.key, **measured})

    def _load(self) -> Loaded:
        trial = self.job.trial
        dataset = DATASETS.get(trial.dataset)(self.settings.data)
        dataset.require()
        protocol = protocol_of(type(dataset), trial.protocol.partition("/")[2], trial.dataset)
        split = dataset.split(protocol)
        card = make_card(dataset, trial.protocol, protocol, split)
        if card.id != self.job.fingerprint["card"]:
            raise RuntimeError(f"{trial.protocol} changed on disk since the plan was made; run the command again")
        self.record["protocol_card"]["leaks"] = leaks(dataset, card, split, self.settings.cache)
        return Loaded(dataset, Split(split.train[: trial.limit], split.query, split.database))

    def _inputs(self, loaded: Loaded) -> Inputs:
        trial = self.job.trial
        features = cached_features(
            loaded.dataset,
            trial.dataset,
            loaded.dataset.content(),
            extractor(trial.features),
            self.settings.cache,
            self.device,
            print,
        )
        return Inputs(loaded.dataset, features, loaded.dataset.labels())

    def _fit(self, inputs: Inputs, split: Split) -> tuple[HashMethod, RunContext]:
        trial, seed = self.job.trial, fit_seed(self.job)
        assert trial.bits is not None
        with self._phase("fit"):
            method = METHODS.get(trial.method)(trial.bits, **trial.parameters)
            run = RunContext(
                self.device,
                torch.Generator().manual_seed(seed),
                features=trial.features,
                time_limit=self.settings.timeout,
                checkpoint=self.store.checkpoint_folder(self.job),
                listener=lambda done, total, values: self.listener(
                    Event(self.job.key, "epoch", done=done, total=total, values=values)
                ),
                epochs=self.record["training"]["epochs"],
            )
            fitting.fit(method, inputs.training_set(method, split.train, run), run, seed)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        return method, run

    def _random_reference(self, split: Split) -> tuple[Codes, Codes]:
        bits, seed = self.job.trial.bits, fit_seed(self.job)
        assert bits is not None
        drawn = references.random_codes(len(split.query) + len(split.database), bits, seed)
        return drawn[: len(split.query)], drawn[len(split.query) :]

    def _float_reference(self, inputs: Inputs, split: Split) -> None:
        with self._phase("evaluate"):
            query, database = references.centred_features(inputs, split, self.device)
            scores = evaluate_features(
                query, database, inputs.labels[split.query], inputs.labels[split.database], self._cutoff, self.device
            )
        self._keep(scores, None, None, inputs, split)

    def _evaluate(self, query: Codes, database: Codes, inputs: Inputs, split: Split) -> None:
        with self._phase("evaluate"):
            scores = evaluate(
                query, database, inputs.labels[split.query], inputs.labels[split.database], self._cutoff, self.device
            )
        self._keep(scores, query, database, inputs, split)

    @property
    def _cutoff(self) -> int | None:
        cutoff: int | None = self.job.card["cutoff"]
        return cutoff

    def _keep(self, scores: Scores, query: Codes | None, database: Codes | None, inputs: Inputs, split: Split) -> None:
        self.record |= {
            "metrics": scores.metrics,
            "queries": scores.queries,
            "curves": scores.curves,
            "diagnostics": scores.diagnostics,
        }
        arrays: dict[str, npt.NDArray[Any]] = {
            "query_labels": np.packbits(inputs.labels[split.query], axis=1),
            "database_labels": np.packbits(inputs.labels[split.database], axis=1),
            "query_items": split.query,
            "database_items": split.database,
            "average_precision": scores.average_precision,
        }
        if query is not None and database is not None:
            arrays |= {"query_codes": query.packed, "database_codes": database.packed}
        self.store.write_codes(self.job, arrays)


def run_trial(job: Job, settings: Settings, listener: Callable[[Event], None]) -> Record:
    """Carry out one job in this process; the record is on disk when it returns."""
    return TrialRun(job, settings, listener).run()
