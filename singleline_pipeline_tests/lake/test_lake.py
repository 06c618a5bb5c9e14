"""A reader sees a whole table or a clear sentence: never half a file, a wrong schema or a missing sketchbook."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from singleline_pipeline.lake import Lake, LakeError, MissingTableError, check_partition_name
from singleline_pipeline_tests.lake.conftest import TOY_SCHEMAS, pages, vectors


def test_tables_lie_where_people_will_look_for_them(lake, tmp_path):
    lake.write("pages", pages("p1"), "sb48")
    lake.write("vectors", vectors(["a"], 3))
    assert (tmp_path / "lake" / "pages" / "sb48.parquet").is_file()
    assert (tmp_path / "lake" / "vectors.parquet").is_file()
    assert lake.partitions("pages") == ["sb48"]
    assert lake.partitions("vectors") == []
    assert lake.exists("pages", "sb48")
    assert not lake.exists("pages", "sb49")
    assert not lake.exists("pages")


def test_what_is_read_is_what_was_written_under_the_schema_of_today(lake):
    lake.write("pages", pages("p1", "p2"), "sb48")
    table = lake.read("pages", "sb48")
    assert table.schema.equals(TOY_SCHEMAS["pages"], check_metadata=True)
    assert table.to_pylist() == pages("p1", "p2").to_pylist()
    assert lake.read("pages", "sb48", ["note", "page_id"]).column_names == ["note", "page_id"]


def test_a_table_without_rows_is_a_table(lake):
    lake.write("pages", pages(), "blank")
    assert lake.read("pages", "blank").num_rows == 0
    assert lake.read("pages", "blank", ["width"]).schema.field("width").type == pa.int32()


def test_bytes_depend_on_the_content_only(lake, tmp_path):
    """Rerunning a sketchbook with nothing changed must leave a file that a backup need not copy."""
    names = [f"p{i}" for i in range(40)]
    file = Path(lake.write("pages", pages(*names), "sb48").path)
    before = file.read_bytes()
    scattered = pa.concat_tables([pages(*names[:7]), pages(*names[7:29]), pages(*names[29:])])
    lake.write("pages", scattered, "sb48")
    assert file.read_bytes() == before
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_column_that_nobody_has_is_named(lake):
    lake.write("pages", pages("p1"), "sb48")
    with pytest.raises(LakeError, match="no column colour; it has page_id, width"):
        lake.read("pages", "sb48", ["colour"])


def test_an_undeclared_asset_is_refused(lake):
    with pytest.raises(LakeError, match=r"asset flowers: add it to schemas\.py"):
        lake.write("flowers", pages("p1"))


# Missing, old and damaged tables


def test_a_missing_table_is_named_with_what_to_do(lake):
    with pytest.raises(
        MissingTableError, match=r"pages of sketchbook sb48 .*`singleline run --sketchbook sb48`"
    ):
        lake.read("pages", "sb48")
    with pytest.raises(MissingTableError, match="vectors has not been materialized"):
        lake.read("vectors")
    assert lake.read_optional("vectors") is None


def test_no_partitions_at_all_says_where_to_begin(lake):
    with pytest.raises(MissingTableError, match="pages has no partitions yet: put a sketchbook"):
        lake.dataset("pages")
    with pytest.raises(MissingTableError, match="no partitions yet"):
        lake.read_partitions("pages")


@pytest.mark.parametrize("partitions", [["sb48"], ["sb48", "sb49"]])
def test_one_missing_partition_among_those_wanted_is_an_error_that_names_it(lake, partitions):
    for name in partitions:
        lake.write("pages", pages("p1"), name)
    for read in (lake.dataset, lake.read_partitions):
        with pytest.raises(MissingTableError, match="pages of sketchbook sb50"):
            read("pages", partitions=[*partitions, "sb50"])


def test_a_file_of_another_schema_is_named_with_its_column_and_the_remedy(lake):
    """An update of the project must not read yesterday's columns as today's."""
    lake.write("pages", pages("p1"), "sb48")
    newer = pa.schema([*TOY_SCHEMAS["pages"], pa.field("pen_width", pa.float32(), nullable=False)])
    updated = Lake(lake.root, schemas={"pages": newer})
    for read in (updated.read, lambda asset, name: updated.dataset(asset, partitions=[name])):
        with pytest.raises(
            LakeError, match=r"pages/sb48\.parquet .*pen_width is missing.*Rematerialize pages"
        ):
            read("pages", "sb48")


def test_a_column_that_may_have_been_null_is_another_schema_once_it_may_not(lake):
    lake.write("pages", pages("p1"), "sb48")
    stricter = pa.schema([field.with_nullable(False) for field in TOY_SCHEMAS["pages"]])
    with pytest.raises(
        LakeError, match="column note: expected string, never null, found string, may be null"
    ):
        Lake(lake.root, schemas={"pages": stricter}).read("pages", "sb48")


def test_a_new_description_makes_no_file_old(lake):
    lake.write("pages", pages("p1"), "sb48")
    renamed = pa.schema([f.with_metadata({"description": "better words"}) for f in TOY_SCHEMAS["pages"]])
    assert (
        Lake(lake.root, schemas={"pages": renamed})
        .read("pages", "sb48")
        .schema.equals(renamed, check_metadata=True)
    )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all"])
def test_a_file_that_is_no_table_is_named(lake, content):
    file = Path(lake.write("pages", pages("p1"), "sb48").path)
    file.write_bytes(content)
    with pytest.raises(LakeError, match=r"sb48\.parquet is not a whole Parquet file.*Rematerialize"):
        lake.read("pages", "sb48")


def test_a_table_cut_off_or_with_damaged_pages_is_named(lake):
    file = Path(lake.write("pages", pages(*[f"p{i}" for i in range(300)]), "sb48").path)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LakeError, match="not a whole Parquet file"):
        lake.read("pages", "sb48")
    file.write_bytes(whole[:4] + bytes(2000) + whole[2004:])
    with pytest.raises(LakeError, match=r"sb48\.parquet is damaged"):
        lake.read("pages", "sb48")


# All partitions at once


def test_dataset_reads_only_what_is_asked_in_the_order_of_the_sketchbooks(lake):
    for name in ("sb49", "sb07", "sb48"):
        lake.write("pages", pages(f"{name}p1", f"{name}p2"), name)
    dataset = lake.dataset("pages", ["page_id"])
    assert dataset.schema.names == ["page_id"]
    assert dataset.to_table()["page_id"].to_pylist() == [
        f"{n}p{i}" for n in ("sb07", "sb48", "sb49") for i in (1, 2)
    ]


def test_one_partition_gives_the_same_kinds_as_eighty(lake):
    lake.write("pages", pages("p1"), "sb48")
    assert list(lake.read_partitions("pages")) == ["sb48"]
    assert lake.dataset("pages").count_rows() == 1


def test_partition_names_are_no_columns_even_if_they_look_like_hive(lake):
    lake.write("pages", pages("p1"), "year=2019")
    assert lake.read("pages", "year=2019").column_names == TOY_SCHEMAS["pages"].names
    assert lake.dataset("pages").schema.names == TOY_SCHEMAS["pages"].names


def test_vectors_of_two_encoders_cannot_be_one_dataset(lake):
    lake.write("vectors", vectors(["a"], 3), "sb01")
    lake.write("vectors", vectors(["b"], 5), "sb02")
    with pytest.raises(LakeError, match=r"vectors of 3 values for sb01, of 5 for sb02.*two encoders"):
        lake.dataset("vectors")


def test_an_empty_sketchbook_does_not_count_as_an_encoder(lake):
    lake.write("vectors", vectors([], 3), "sb01")
    lake.write("vectors", vectors(["b"], 5), "sb02")
    assert lake.dataset("vectors").to_table().num_rows == 1
    lake.write("vectors", vectors([], 3), "sb02")
    assert lake.dataset("vectors").to_table().num_rows == 0


# Names


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "a\\b", "../etc", "x" * 201, "a...b", "tab\there"]
)
def test_names_that_would_lead_elsewhere_are_refused(lake, name):
    with pytest.raises(LakeError, match="cannot be the name of a sketchbook"):
        lake.write("pages", pages("p1"), name)


@pytest.mark.parametrize(
    "name", ["sb48", "Été 2019 (2)", "50%20", "a#b?c", "[x]*", "~tilde", "x.parquet", "本"]
)
def test_names_that_people_give_to_folders_work(lake, name):
    check_partition_name(name)
    lake.write("pages", pages("p1"), name)
    assert lake.partitions("pages") == [name]
    assert lake.read("pages", name).num_rows == 1
    assert lake.dataset("pages", partitions=[name]).count_rows() == 1


# Failures while writing


def _no_leftovers(folder: Path) -> bool:
    return not [file.name for file in folder.rglob("*") if file.name.endswith(".tmp")]


def test_the_old_file_survives_a_full_disk(lake, tmp_path):
    """A limit on the size of files makes the kernel refuse the write in the middle, as a full disk does."""
    lake.write("pages", pages("old"), "sb48")
    script = """
        import resource, sys
        from singleline_pipeline.lake import Lake, LakeError
        from singleline_pipeline_tests.lake.conftest import TOY_SCHEMAS, pages
        lake = Lake(sys.argv[1], schemas=TOY_SCHEMAS)
        table = pages(*[str(i * 7919 % 100003) for i in range(20000)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        try:
            lake.write("pages", table, "sb48")
        except LakeError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(lake.root)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sb48.parquet cannot be written: the disk is full" in done.stdout
    assert lake.read("pages", "sb48")["page_id"].to_pylist() == ["old"]
    assert _no_leftovers(tmp_path)


def test_a_process_killed_in_the_middle_of_a_write_leaves_the_old_file_and_nothing_that_is_read(
    lake, tmp_path
):
    lake.write("pages", pages("old"), "sb48")
    script = """
        import os, signal, sys
        import singleline_pipeline.lake.lake as module
        from singleline_pipeline_tests.lake.conftest import TOY_SCHEMAS, pages
        def half(table, sink):
            sink.write(b"PAR1" + bytes(5000))
            sink.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        module.write_parquet = half
        module.Lake(sys.argv[1], schemas=TOY_SCHEMAS).write("pages", pages("new"), "sb48")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(lake.root)], check=False)
    assert done.returncode == -signal.SIGKILL
    leftovers = [file for file in (tmp_path / "lake" / "pages").iterdir() if file.name != "sb48.parquet"]
    assert len(leftovers) == 1
    assert leftovers[0].stat().st_size > 5000
    assert lake.partitions("pages") == ["sb48"]
    assert lake.read("pages", "sb48")["page_id"].to_pylist() == ["old"]
    lake.write("pages", pages("newer"), "sb48")
    assert lake.read("pages", "sb48")["page_id"].to_pylist() == ["newer"]


def test_a_table_that_does_not_fit_leaves_the_old_file(lake, tmp_path):
    lake.write("pages", pages("old"), "sb48")
    with pytest.raises(LakeError, match="width is missing"):
        lake.write("pages", pages("new").drop_columns(["width"]), "sb48")
    assert lake.read("pages", "sb48")["page_id"].to_pylist() == ["old"]
    assert _no_leftovers(tmp_path)


def test_a_file_where_the_folder_should_be_is_told(lake, tmp_path):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "pages").write_text("in the way")
    with pytest.raises(LakeError, match="there is a file where its folder should be"):
        lake.write("pages", pages("p1"), "sb48")


def test_a_lake_on_a_folder_without_permission_says_so(lake, monkeypatch):
    """Root may write everywhere, so the kernel's refusal is played here."""

    def refuse(path: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LakeError, match=r"sb48\.parquet cannot be written: no permission.*SINGLELINE_HOME"):
        lake.write("pages", pages("p1"), "sb48")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_told_by_the_kernel(lake, tmp_path):
    (tmp_path / "lake").mkdir(mode=0o500)
    with pytest.raises(LakeError, match="no permission"):
        lake.write("pages", pages("p1"), "sb48")


# Elsewhere than on a disk


def test_a_lake_in_memory_behaves_as_one_on_disk():
    lake = Lake("memory://test-lake", schemas=TOY_SCHEMAS)
    lake.write("pages", pages("a1"), "a")
    lake.write("pages", pages("b1", "b2"), "b")
    assert lake.partitions("pages") == ["a", "b"]
    assert lake.read("pages", "b", ["page_id"])["page_id"].to_pylist() == ["b1", "b2"]
    assert lake.dataset("pages", ["page_id"]).to_table().num_rows == 3
    with pytest.raises(MissingTableError, match="sketchbook c"):
        lake.read("pages", "c")
    assert lake.partitions("vectors") == []
