"""``guicheng verify-case-file``: verify a case file with this installation's own verifier."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.documents.offline.verify import main


@click.command("verify-case-file")
@click.argument("place", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--checkpoint",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="与第三方保存的校验点比对",
)
@click.option("--key", help="只认这把公钥（十六进制）")
def verify_case_file(place: Path, checkpoint: Path | None, key: str | None) -> None:
    """核验卷宗（压缩包或解压后的文件夹），不用卷宗里自带的核验程序，也不需要数据库。"""
    arguments = [str(place)]
    if checkpoint is not None:
        arguments += ["--checkpoint", str(checkpoint)]
    if key is not None:
        arguments += ["--key", key]
    sys.exit(main(arguments))
