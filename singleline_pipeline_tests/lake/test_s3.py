"""The lake in an object store, against a server that speaks S3 on this machine: nothing leaves it."""

from collections.abc import Iterator

import fsspec
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError, MissingTableError, content_version
from singleline_pipeline_tests.lake.conftest import TOY_SCHEMAS, pages


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Address of an S3 server with one bucket."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir("bucket")
        yield address
    running.stop()


@pytest.fixture
def lake(server: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path) -> Lake:
    """A lake below a prefix of its own, found the way a deployment finds it: through SINGLELINE_LAKE."""
    monkeypatch.setenv("SINGLELINE_LAKE", f"s3://bucket/{request.node.originalname}")
    return Lake(Home.from_environment(tmp_path).lake, schemas=TOY_SCHEMAS)


def test_tables_come_back_as_they_went(lake):
    written = pages(*[f"p{i}" for i in range(50)])
    path = lake.write("pages", written, "sb48")
    assert str(path).startswith("s3://bucket/")
    assert content_version(lake.read("pages", "sb48")) == content_version(written)
    assert lake.read("pages", "sb48", ["width"]).num_columns == 1
    assert lake.exists("pages", "sb48")


def test_all_partitions_as_one_lazy_dataset(lake):
    for name in ("b", "a"):
        lake.write("pages", pages(f"{name}1", f"{name}2"), name)
    assert lake.partitions("pages") == ["a", "b"]
    assert lake.dataset("pages", ["page_id"]).to_table()["page_id"].to_pylist() == ["a1", "a2", "b1", "b2"]


def test_what_another_process_wrote_is_seen_though_listings_are_cached(lake):
    lake.write("pages", pages("a1"), "a")
    assert lake.partitions("pages") == ["a"]
    assert not lake.exists("pages", "b")
    elsewhere = s3fs.S3FileSystem(skip_instance_cache=True)
    elsewhere.copy(lake.path("pages", "a").path, lake.path("pages", "b").path)
    assert lake.exists("pages", "b")
    assert lake.partitions("pages") == ["a", "b"]
    lake.write("pages", pages("new", "rows"), "a")
    assert lake.read("pages", "a").num_rows == 2


def test_missing_tables_and_missing_buckets_are_named(lake):
    assert lake.partitions("pages") == []
    with pytest.raises(MissingTableError, match="pages of sketchbook sb48"):
        lake.read("pages", "sb48")
    with pytest.raises(LakeError, match=r"s3://no-such-bucket/lake/pages/a\.parquet cannot be written"):
        Lake("s3://no-such-bucket/lake", schemas=TOY_SCHEMAS).write("pages", pages("a1"), "a")


@pytest.mark.parametrize("name", ["Été 2019 (2)", "50%20", "a#b", "[x]*"])
def test_names_that_people_give_to_folders_work(lake, name):
    lake.write("pages", pages("p1"), name)
    assert name in lake.partitions("pages")
    assert lake.read("pages", name).num_rows == 1
