"""One trial, from data to record."""

import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

from hashbench.data.audit import found_leaks
from hashbench.data.protocol_card import make_card
from hashbench.data.spec import open_dataset, protocol_id
from hashbench.dataset import Split
from hashbench.errors import Incompatible, StorageError, in_words
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_similarities, warm_up
from hashbench.evaluation.headline import headline_of
from hashbench.evaluation.neighbourhoods import neighbourhood_quality
from hashbench.evaluation.neighbours import Neighbours
from hashbench.evaluation.relevance import labels_are_graded
from hashbench.execution import references, training_data
from hashbench.execution.events import Event
from hashbench.execution.frozen_maps import CachedMaps
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.loaded_protocol import LoadedProtocol
from hashbench.execution.nested import first_bits
from hashbench.execution.other_work import OtherWork
from hashbench.execution.quantised_references import quantised_scores
from hashbench.execution.ranked_again import fitted_before
from hashbench.execution.rankings import Encoded, check_ranking, encoded
from hashbench.execution.settings import Settings
from hashbench.execution.training_data import TrainingData
from hashbench.features.backbones import load_backbone
from hashbench.features.extractor import Extractor
from hashbench.features.frozen_maps import FrozenMaps
from hashbench.features.item_features import item_features
from hashbench.features.networks import net_name
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights
from hashbench.method import Backbone, HashMethod, RunContext
from hashbench.planning.fingerprint import check_sources
from hashbench.plugins.registry import METHODS
from hashbench.records.environment import device_memory, peak_memory, start_peak_memory
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.scores import saved_arrays, score_fields
from hashbench.records.store import Record, Store
from hashbench.records.trial_spec import FLOAT_FEATURES, ONE_HOT_CLASSES, RANDOM_CODES, REFERENCES, PlannedTrial
from hashbench.util.device import determinism, network_dtype, out_of_memory, pick_device, repeatable
from hashbench.util.storage import storage_fault


class TrialRunner:
    """Carries out one trial: load, audit, features, fit, encode, evaluate."""

    def __init__(self, planned: PlannedTrial, settings: Settings, on_event: Callable[[Event], None]) -> None:
        self.planned, self.settings, self.on_event = planned, settings, on_event
        self.store = Store(settings.results)
        self.device = pick_device(settings.device)
        self.weights = Weights(settings.weights, settings.offline, self._log)
        self.record = new_record(planned, settings.device, settings.provenance)
        self.phase: str | None = None

    def run(self) -> Record:
        """Write codes and state, then the record.

        An exception, of sys.exit as well, becomes a record with the phase in which it happened; only Ctrl-C and what
        ends the process are passed on.

        Raises:
            StorageError: a disk is full or a folder cannot be written, which is no fault of the method.
        """
        try:
            return self._run()
        except Exception as error:
            fault = self._storage_fault(error)
            if fault is None:
                raise
            line = f"{fault}{self._unwritten()}"
            self._emit("unwritten", line)
            raise StorageError(line) from error

    def _storage_fault(self, error: BaseException) -> StorageError | None:
        return storage_fault(error, (self.settings.results, self.settings.cache, Path(tempfile.gettempdir())))

    def _unwritten(self) -> str:
        """What was computed and cannot be written, for the user; nothing where the trial had not come so far."""
        headline = headline_of(self.planned.card)
        value = (self.record["metrics"] or {}).get(headline)
        return "" if value is None else f" ({self.planned}: {headline} {value:.3f} was computed and is not recorded)"

    def _run(self) -> Record:
        self.store.prepare()
        start_peak_memory(self.device)
        others = OtherWork()
        try:
            self._carry_out()
            self.record["status"] = "ok"
        except Incompatible as reason:
            mark_failed(self.record, "skipped", self.phase, str(reason), [], type(reason).__name__)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._fail(error)
        self.record["memory"] = peak_memory(self.device)
        self.record["environment"]["other_cores"] = others.cores()
        self.store.write_record(self.planned, self.record)
        if self.record["status"] == "ok":
            shutil.rmtree(self.store.checkpoint_folder(self.planned), ignore_errors=True)
        return self.record

    def _fail(self, error: BaseException) -> None:
        if self._storage_fault(error) is not None:
            raise error
        lines = traceback.format_exception(error)
        sys.stderr.writelines(lines)
        log = "".join(lines).splitlines()
        message = str(error) or repr(error) if isinstance(error, Exception) else in_words(error)
        status = "oom" if out_of_memory(error) else "failed"
        mark_failed(self.record, status, self.phase, message, log, type(error).__name__)

    def _emit(self, kind: str, text: str) -> None:
        self.on_event(Event(self.planned.key, kind, text))

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.phase = name
        self.on_event(Event(self.planned.key, "phase", name, device_bytes=device_memory(self.device)))
        start = time.perf_counter()
        try:
            yield
        finally:
            self.record["seconds"][name] = time.perf_counter() - start

    def _carry_out(self) -> None:
        """Everything up to the record."""
        with self._phase("load"):
            loaded = self._load()
            self.graded = labels_are_graded(loaded.label_pair())
        with self._phase("audit"):
            self.record["protocol_card"]["leaks"] = found_leaks(
                loaded.dataset, loaded.card, loaded.split, self.settings.cache
            )
            self._check_input(loaded)
        by_neighbours = loaded.dataset.distance is not None
        if self.planned.trial.method == RANDOM_CODES and not by_neighbours:
            self._evaluate(self._random_reference(loaded.split), loaded)
            return
        with self._phase("features"):
            inputs = self._inputs(loaded)
        if by_neighbours:
            with self._phase("neighbours"):
                loaded = replace(loaded, neighbours=self._ground_truth(inputs, loaded))
        if self.planned.trial.method == RANDOM_CODES:
            self._evaluate(self._random_reference(loaded.split), loaded)
            return
        if self.planned.trial.method == ONE_HOT_CLASSES:
            with self._phase("fit"):
                classes = references.one_hot_classes(inputs, loaded.split, self.device)
            self._evaluate(Encoded(*classes), loaded)
            return
        if self.planned.trial.method in REFERENCES:
            self._float_reference(inputs, loaded)
            return
        with repeatable():
            self.record["environment"]["determinism"] = determinism()
            method, made = self._fitted_and_encoded(inputs, loaded)
        self._evaluate(made, loaded, method)
        if self.settings.save_state or self.settings.rates:  # which are measured from it
            self._save_state(method)

    def _fitted_and_encoded(self, inputs: TrainingData, loaded: LoadedProtocol) -> tuple[HashMethod, Encoded]:
        """What the method makes of the data, fitted now or by the trial that ranks the same codes by distance."""
        trial, run = self.planned.trial, self._context(loaded)
        method = self._method()
        check_ranking(method, trial.ranking)
        before = fitted_before(self._method, self.planned, self.store, run, self._log)
        if before is not None:
            method = before.method
            self.record["training"] = before.facts()["training"]
            self.record["provenance"]["ranked_again"] = before.record["key"]
        else:
            inputs = replace(inputs, maps=self._maps(method, loaded))
            taken = first_bits(self.planned, self.store, run, self._log)
            if taken is None:
                self._fit(method, inputs, loaded.split, run)
            method = taken or method
        with self._phase("encode"):
            codes = before.codes if before else None
            made = encoded(method, inputs, loaded.split, run, trial.ranking, codes, self._log)
        if before is not None:
            self.record["seconds"] |= before.facts()["seconds"]
        return method, made

    def _method(self) -> HashMethod:
        trial = self.planned.trial
        return METHODS.get(trial.method)(self._bits, **trial.parameters)

    def _save_state(self, method: HashMethod) -> None:
        with self._phase("state"):
            state = {
                name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, value in method.state().items()
            }
            self.store.write_state(self.planned, safetensors.torch.save(state))

    def _load(self) -> LoadedProtocol:
        trial = self.planned.trial
        dataset = open_dataset(self.planned.dataset_spec, self.settings.data, self._log, trial.neighbours)
        card, split = make_card(dataset, protocol_id(self.planned.dataset_spec, dataset))
        if card.id != self.planned.fingerprint["card"]:
            raise RuntimeError(f"{trial.protocol} changed on disk since the plan was made; run the command again")
        check_sources(trial, self.planned.fingerprint)
        cut = Split(split.train[: trial.limit], split.query, split.database)
        return LoadedProtocol(dataset, card, cut, dataset.labels())

    def _check_input(self, loaded: LoadedProtocol) -> None:
        """Skip a method on images where there are vectors alone, and one that reads labels where there are none."""
        trial = self.planned.trial
        if trial.method in REFERENCES:
            return
        traits = METHODS.get(trial.method).traits
        if traits.input == "images" and loaded.dataset.vectors() is not None:
            raise Incompatible(f"{trial.method} reads images, and {trial.protocol} has vectors alone")
        if traits.supervised and not loaded.labels.shape[1]:
            raise Incompatible(f"{trial.method} reads labels, and {trial.protocol} has none")

    def _inputs(self, loaded: LoadedProtocol) -> TrainingData:
        features = item_features(
            loaded.dataset,
            self.planned.trial.dataset,
            self._extractor(),
            self.settings.cache,
            self.device,
            self._log,
            self.settings.verified,
        )
        self.on_event(Event(self.planned.key, "verified", verified=self.settings.verified))
        self.record["features_sha256"] = features.sha256
        return TrainingData(loaded.dataset, features.values, loaded.labels)

    def _extractor(self) -> Extractor:
        trial = self.planned.trial
        features = extractor(trial.features, self.weights, trial.features_dtype)
        self._check_weights(trial.features, features.weights, trial.features_weights)
        return features

    def _backbone(self, spec: str) -> Backbone:
        """A network that the method declared, with the weights that the plan saw."""
        name, planned = net_name(spec), self.planned.trial.backbones
        if name not in planned:
            raise LookupError(f"{self.planned.trial.method} asks for the backbone {spec!r} and does not declare it")
        self._check_weights(name, self.weights.sum(name), planned[name])
        return load_backbone(spec, self.weights)

    def _check_weights(self, name: str, checksum: str | None, planned: str | None) -> None:
        if checksum != planned:
            raise RuntimeError(f"weights of {name} changed since the plan was made; run the command again")

    def _log(self, line: str) -> None:
        self._emit("note", line)

    def _maps(self, method: HashMethod, loaded: LoadedProtocol) -> CachedMaps | None:
        """Maps of the blocks that the method leaves as they are, from the cache or computed now."""
        part = method.frozen_part()
        if part is None:
            return None
        name, trial = net_name(part.network), self.planned.trial
        self._check_weights(name, self.weights.sum(name), trial.backbones.get(name))
        settings, extractor = self.settings, FrozenMaps(part.network, part.blocks, self.weights)
        with self._phase("maps"):
            of_part = CachedMaps(
                *(loaded.dataset, trial.dataset, loaded.split.train, part, extractor),
                *(settings.cache, self.device, self._log, settings.verified),
            )
        self.on_event(Event(self.planned.key, "verified", verified=settings.verified))
        return of_part

    def _context(self, loaded: LoadedProtocol) -> RunContext:
        trial = self.planned.trial
        return RunContext(
            self.device,
            training_data.own_generator(self.planned.own_seed),
            features=trial.features,
            distance=loaded.dataset.distance or "l2",
            dtype=network_dtype(trial.parameters.get("precision")),
            checkpoint=self.store.checkpoint_folder(self.planned),
            backbones=self._backbone,
            progress=self._on_epoch,
            epochs=self.record["training"]["epochs"],
            facts=self.record["training"]["facts"],
        )

    def _on_epoch(self, done: int, total: int, values: Mapping[str, float]) -> None:
        taken = device_memory(self.device)
        self.on_event(Event(self.planned.key, "epoch", "", done, total, values, device_bytes=taken))

    def _fit(self, method: HashMethod, inputs: TrainingData, split: Split, run: RunContext) -> None:
        with self._phase("fit"):
            train = inputs.training_set(method, split.train, run)
            training_data.fit(method, train, run, self.planned.own_seed)
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        if run.positive_pairs is not None:
            with self._phase("similarity"):
                quality = neighbourhood_quality(*run.positive_pairs, inputs.labels[split.train])
            self.record["training"]["similarity"] = quality
            run.positive_pairs = None  # as large as what the method keeps of them

    @property
    def _bits(self) -> int:
        bits = self.planned.trial.bits
        assert bits is not None
        return bits

    def _random_reference(self, split: Split) -> Encoded:
        bits, seed = self._bits, self.planned.own_seed
        drawn = references.random_codes(len(split.query) + len(split.database), bits, seed)
        return Encoded(drawn[: len(split.query)], drawn[len(split.query) :])

    @contextmanager
    def _evaluation(self) -> Iterator[None]:
        with self._phase("compile"):
            warm_up(self.device, self.graded)
        with self._phase("evaluate"):
            yield

    def _float_reference(self, inputs: TrainingData, loaded: LoadedProtocol) -> None:
        name, near = self.planned.trial.method, loaded.neighbours
        item_bytes = inputs.features.shape[1] * inputs.features.dtype.itemsize
        with self._evaluation():
            scored = inputs, loaded.split, loaded.scored_labels(), self._cutoff
            if name == FLOAT_FEATURES:
                scores = references.float_scores(*scored, near, self.device)
            else:
                assert near is not None
                scores, item_bytes = quantised_scores(name, *scored, near, self.device)
        self._store_scores(scores, None, loaded, item_bytes)

    def _evaluate(self, made: Encoded, loaded: LoadedProtocol, method: HashMethod | None = None) -> None:
        labels, item_bytes = loaded.scored_labels(), made.database.packed.shape[1]
        with self._evaluation():
            ranked = made.scored(method, self.device)
            if ranked is None:
                scored = made.query, made.database, *labels, self._cutoff, self.device
                scores = evaluate(*scored, neighbours=loaded.neighbours)
            else:
                given = ranked.similarities(), *labels, self._cutoff
                scores = evaluate_similarities(*given, neighbours=loaded.neighbours, codes=made.database)
                item_bytes = ranked.bytes_per_item
        self._store_scores(scores, made, loaded, item_bytes)

    @property
    def _cutoff(self) -> int | None:
        cutoff: int | None = self.planned.card["cutoff"]
        return cutoff

    def _store_scores(self, scores: Scores, made: Encoded | None, loaded: LoadedProtocol, item_bytes: int) -> None:
        self.record |= {**score_fields(scores), "bytes_per_item": item_bytes}
        items = loaded.split.query, loaded.split.database
        codes, beside = (None, {}) if made is None else ((made.query, made.database), made.arrays())
        arrays = saved_arrays(scores, loaded.label_pair(), items, codes, loaded.neighbours, beside)
        self.store.write_codes(self.planned, arrays)

    def _ground_truth(self, inputs: TrainingData, loaded: LoadedProtocol) -> Neighbours:
        assert loaded.dataset.distance is not None
        where = self.settings.cache, self.device, self._log
        checksum = self.record["features_sha256"]
        return ground_truth(inputs, checksum, loaded.split, loaded.dataset.distance, *where)


def run_trial(planned: PlannedTrial, settings: Settings, on_event: Callable[[Event], None]) -> Record:
    """Carry out one trial in this process; the record is on disk when it returns."""
    return TrialRunner(planned, settings, on_event).run()
