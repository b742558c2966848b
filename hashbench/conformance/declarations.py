"""What a method declares: paper, traits, hyper-parameters, imports."""

import ast
from typing import Any

from hashbench.conformance.check import Inapplicable, check
from hashbench.conformance.global_state import GlobalState
from hashbench.conformance.subject import FEATURES, Subject
from hashbench.errors import UsageError
from hashbench.method import Traits
from hashbench.plugins.hyperparameters import declared, resolve
from hashbench.util.syntax_tree import imported_modules

PLUGINS = ("hashbench.methods", "hashbench.datasets")
UPPER_ROOMS = (
    *("cli", "conformance", "estimator", "execution", "external"),
    *("gallery", "planning", "records", "replay", "reporting"),
)


@check("say where it was published, or what it is: traits = Traits(paper='Author, Title, Venue Year')")
def names_its_paper(subject: Subject) -> str | None:
    """The traits name a paper."""
    return None if subject.traits.paper.strip() else f"traits.paper is {subject.traits.paper!r}"


@check("write what it computes, with symbols and shapes, under the class statement")
def has_a_docstring(subject: Subject) -> str | None:
    """The class has a docstring of its own, whose first line `hashbench list` prints."""
    text = subject.method.__dict__.get("__doc__")
    return None if text and text.strip() else f"{subject.method.__name__} has none"


@check("correct the class attribute traits")
def has_valid_traits(subject: Subject) -> str | None:
    """Traits read 'features' or 'images', rank by 'hamming' or 'estimator', and a method on images has image_size."""
    traits: object = subject.traits
    if not isinstance(traits, Traits):
        return f"traits is a {type(traits).__name__}"
    if traits.input not in ("features", "images"):
        return f"traits.input is {traits.input!r}"
    if traits.ranking not in ("hamming", "estimator"):
        return f"traits.ranking is {traits.ranking!r}"
    if traits.input == "images" and not isinstance(size := subject.make().image_size(FEATURES), int):
        return f"image_size returned {size!r}"
    return None


@check("write each as NAME: TYPE = DEFAULT in __init__")
def types_its_hyper_parameters(subject: Subject) -> str | None:
    """Each hyper-parameter has a type that a command line can be read as, and a default of that type."""
    parameters = declared(subject.method)
    resolve(subject.name, subject.method, {name: one.default for name, one in parameters.items()})
    return None


@check("assign each in __init__: self.NAME = NAME")
def stores_its_hyper_parameters(subject: Subject) -> str | None:
    """`__init__` stores bits and each hyper-parameter under its own name."""
    made = subject.make()
    for name, given in {"bits": subject.bits, **subject.parameters}.items():
        if not hasattr(made, name):
            return f"after __init__({name}={given!r}) there is no attribute {name}"
        if getattr(made, name) != given:
            return f"after __init__({name}={given!r}) the attribute {name} is {getattr(made, name)!r}"
    return None


@check("move what is drawn or learnt to fit")
def constructs_without_work(subject: Subject) -> str | None:
    """`__init__` draws no random numbers and sets nothing that ends in '_'."""
    before = GlobalState.now()
    try:
        made = subject.make()
        drawn = before.drawn(GlobalState.now())
    finally:
        before.restore()
    learnt = [name for name in vars(made) if name.endswith("_")]
    if drawn:
        return f"__init__ changed the state of {' and '.join(drawn)} global generator"
    return f"__init__ set {', '.join(learnt)}" if learnt else None


@check("correct the preset, or leave it out")
def has_presets_of_its_parameters(subject: Subject) -> str | None:
    """Each preset names hyper-parameters that exist, with values that `__init__` takes."""
    if not subject.traits.presets:
        raise Inapplicable("there are none")
    for preset, values in subject.traits.presets.items():
        try:
            parameters = resolve(subject.name, subject.method, values)
            subject.method(subject.bits, **subject.method.resolve(parameters, FEATURES))
        except ValueError as error:
            return f"preset {preset!r}: {error}"
    return None


@check("take the entry out, or correct the new name")
def renames_to_its_parameters(subject: Subject) -> str | None:
    """`renamed` leads from names that are gone to names of hyper-parameters."""
    if not subject.method.renamed:
        raise Inapplicable("none was renamed")
    names = declared(subject.method)
    for old, new in subject.method.renamed.items():
        if old in names or new not in names:
            return f"renamed has {old!r}: {new!r}, and the hyper-parameters are {', '.join(names)}"
    return None


@check("replace only values that stand for 'choose for me'")
def resolves_once_and_for_all(subject: Subject) -> str | None:
    """What `resolve` returns has the same names, and resolving it again changes nothing."""
    first = subject.method.resolve(dict(subject.parameters), FEATURES)
    again = subject.method.resolve(dict(first), FEATURES)
    if first.keys() != subject.parameters.keys():
        return f"resolve returned {', '.join(first)} for {', '.join(subject.parameters)}"
    changed = [f"{name} {first[name]!r} became {again[name]!r}" for name in first if first[name] != again[name]]
    return f"resolved again, {', '.join(changed)}" if changed else None


@check("move what is shared to a module of its own, and leave running and reporting to the engine")
def imports_building_blocks(subject: Subject) -> str | None:
    """The file imports no other plugin, and nothing of hashbench that runs or reports methods."""
    own = subject.method.__module__
    forbidden = (*PLUGINS, *(f"hashbench.{room}" for room in UPPER_ROOMS))
    for name in imported_modules(subject.file, own.rpartition(".")[0]):
        if name != own and any(name == one or name.startswith(f"{one}.") for one in forbidden):
            return f"{subject.file.name} imports {name}"
    return None


@check("create tensors on run.device, or on the device of what was given")
def names_no_device(subject: Subject) -> str | None:
    """The file puts nothing on a device that it names itself."""
    for node in ast.walk(ast.parse(subject.file.read_bytes())):
        if isinstance(node, ast.Call) and (named := _device(node)):
            return f"{subject.file.name}:{node.lineno} has {named}"
    return None


def _device(call: ast.Call) -> str | None:
    """The call in words, where it names a GPU."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if function == "cuda":
        return ".cuda()"
    for value in (*call.args, *(keyword.value for keyword in call.keywords)):
        if isinstance(value, ast.Constant) and str(value.value).partition(":")[0] == "cuda":
            return f"{function or 'a call'}({value.value!r})"
    return None


def usable_parameters(name: str, method: type[Any], given: dict[str, Any]) -> dict[str, Any]:
    """All hyper-parameters: ``given``, those of the preset "quick" where it has a usable one, and defaults.

    Raises:
        UsageError: ``given`` has one that is unknown or of another type.
    """
    try:
        declared(method)
    except UsageError:
        return given  # a check says so
    values = resolve(name, method, given)
    try:
        return resolve(name, method, {**method.traits.presets.get("quick", {}), **given})
    except UsageError:
        return values
