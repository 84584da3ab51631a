"""How `vllm serve` is called."""

from pathlib import Path

from server.engines.vllm_arguments import arguments, environment

NO_FETCHED_KERNELS = ("--attention-config", '{"use_trtllm_attention": false}')


def test_names_have_dashes_and_values_their_own_form() -> None:
    serve = {
        "max_model_len": 8192,
        "enforce_eager": True,
        "enable_prefix_caching": False,
        "speculative_config": {"method": "mtp", "num_speculative_tokens": 1},
        "logits_processors": "a.b:C",
    }
    assert arguments(serve, None, cpu=False) == (
        *NO_FETCHED_KERNELS,
        *("--max-model-len", "8192", "--enforce-eager", "--no-enable-prefix-caching"),
        *("--speculative-config", '{"method": "mtp", "num_speculative_tokens": 1}', "--logits-processors", "a.b:C"),
    )


def test_a_model_gets_its_share_of_the_gpu() -> None:
    given = arguments({"dtype": "bfloat16"}, 0.2, cpu=False)
    assert given == (*NO_FETCHED_KERNELS, "--dtype", "bfloat16", "--gpu-memory-utilization", "0.2")


def test_on_the_cpu_nothing_is_compiled_and_no_share_is_set_aside() -> None:
    given = arguments({}, 0.2, cpu=True)
    assert given == ("--enforce-eager", "--dtype", "float32", "--kv-cache-memory-bytes", "4294967296")
    given = arguments({"dtype": "bfloat16"}, None, cpu=True)
    assert given == ("--enforce-eager", "--dtype", "bfloat16", "--kv-cache-memory-bytes", "4294967296")


def test_every_cache_lies_in_the_workers_own_folder(tmp_path: Path) -> None:
    variables = environment(tmp_path, cpu=False)
    folders = [Path(value) for name, value in variables.items() if value.startswith("/")]
    assert len(folders) >= 4
    assert all(folder.is_relative_to(tmp_path) for folder in folders)
    assert variables["VLLM_NO_USAGE_STATS"] == "1"
