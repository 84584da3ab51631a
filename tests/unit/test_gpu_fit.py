"""Which GPUs the installed PaddlePaddle can use: values as drivers and wheels state them, no GPU needed."""

import pytest

from server.engines import gpu_fit
from server.engines.gpu_fit import Gpu, UnfitError, Wheel

A100 = Gpu("NVIDIA A100-SXM4-80GB", (8, 0), (535, 104))
A10 = Gpu("NVIDIA A10", (8, 6), (550, 54))
H100 = Gpu("NVIDIA H100 80GB HBM3", (9, 0), (570, 86))
RTX_5090 = Gpu("NVIDIA GeForce RTX 5090", (12, 0), (575, 51))
T4 = Gpu("Tesla T4", (7, 5), (470, 57))

CPU = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "False", [])
CU118 = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "11.8", [61, 70, 75, 80, 86, 89, 90])
CU126 = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "12.6", [70, 75, 80, 86, 89, 90])
CU129 = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "12.9", ["80", "90a", "100", "120"])
BLACKWELL_ONLY = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "12.9", [120])
CU130 = gpu_fit.parse_wheel("PaddlePaddle", "3.3.1", "13.0", [75, 80, 90, 100, 120])


def test_a_wheel_is_read_as_it_states_itself() -> None:
    assert Wheel("PaddlePaddle", "3.3.1") == CPU
    assert Wheel("PaddlePaddle", "3.3.1", (12, 9), [(8, 0), (9, 0), (10, 0), (12, 0)]) == CU129


@pytest.mark.parametrize(
    ("wheel", "gpu"),
    [
        (CU118, A100),
        (CU118, T4),
        (CU126, A100),
        (CU126, A10),
        (CU126, H100),
        (CU129, A100),
        (CU129, A10),  # 8.0 runs on 8.6
        (CU129, H100),
        (CU129, RTX_5090),
        (BLACKWELL_ONLY, RTX_5090),
    ],
)
def test_what_fits_runs_on_the_gpu(wheel: Wheel, gpu: Gpu) -> None:
    assert gpu_fit.choose(wheel, gpu, allow_cpu=False) == "gpu:0"


def test_a_wheel_for_the_cpu_runs_there_where_there_is_no_gpu() -> None:
    assert gpu_fit.choose(CPU, None, allow_cpu=False) == "cpu"


@pytest.mark.parametrize(
    ("wheel", "gpu", "reason"),
    [
        (
            BLACKWELL_ONLY,
            A100,
            "PaddlePaddle 3.3.1 here is built for CUDA 12.9 and for GPUs of compute capability 12.0, but the NVIDIA "
            "A100-SXM4-80GB has 8.0: use an image whose CUDA flavour knows this GPU.",
        ),
        (
            CU126,
            RTX_5090,
            "PaddlePaddle 3.3.1 here is built for CUDA 12.6 and for GPUs of compute capability 7.0, 7.5, 8.0, 8.6, 8.9, "
            "9.0, but the NVIDIA GeForce RTX 5090 has 12.0: use an image whose CUDA flavour knows this GPU.",
        ),
        (
            CU129,
            T4,
            "PaddlePaddle 3.3.1 here is built for CUDA 12.9 and for GPUs of compute capability 8.0, 9.0, 10.0, 12.0, but "
            "the Tesla T4 has 7.5: use an image whose CUDA flavour knows this GPU.",
        ),
        (
            CU126,
            T4,
            "PaddlePaddle 3.3.1 here is built for CUDA 12.6, which needs driver 525.60 or newer, but the Tesla T4 has "
            "driver 470.57: use an image with an older CUDA flavour, or update the driver.",
        ),
        (
            CU130,
            A100,
            "PaddlePaddle 3.3.1 here is built for CUDA 13.0, which needs driver 580.65 or newer, but the NVIDIA "
            "A100-SXM4-80GB has driver 535.104: use an image with an older CUDA flavour, or update the driver.",
        ),
        (
            CPU,
            H100,
            "PaddlePaddle 3.3.1 here is built for the CPU only, but this machine has an NVIDIA H100 80GB HBM3: use the "
            "image for GPUs.",
        ),
        (
            CU126,
            None,
            "PaddlePaddle 3.3.1 here is built for CUDA 12.6, but no NVIDIA GPU is visible: give the container a GPU.",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence_unless_the_cpu_is_allowed(
    wheel: Wheel, gpu: Gpu | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnfitError) as unfit:
        gpu_fit.choose(wheel, gpu, allow_cpu=False)
    assert str(unfit.value) == f"{reason} Or set ALLOW_CPU=1 to run on the CPU, far slower."
    assert gpu_fit.choose(wheel, gpu, allow_cpu=True) == "cpu"
    assert caplog.messages == [f"running on the CPU: {reason}"]
