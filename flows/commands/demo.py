"""`yuliao demo`."""

from pathlib import Path

import click

from flows.commands.viewing import print_datasets


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".demo",
    show_default=True,
    help="Where the demo keeps its corpora and its catalog.",
)
@click.pass_context
def demo(context: click.Context, folder: Path) -> None:
    """Speak a small Mandarin corpus, make noises, ingest all, mix sets for separation and enhancement, verify them.

    The demo has a catalog of its own and never touches yours.
    """
    from catalog.listing import list_datasets
    from catalog.verify import verify
    from flows.demo.run import catalog_of, loading_lines, run_demo

    published = run_demo(folder)
    root = catalog_of(folder.resolve())
    problems = []
    for version in published:
        found = verify(str(version), root=root)
        problems += found.problems
        outcome = "verified" if found.ok else f"{len(found.problems)} problems"
        print(f"{version}: {'published' if version.created else 'there already'}, {outcome}")
    for problem in problems:
        print(problem)
    print()
    print_datasets(list_datasets(root=root))
    print("\nLoad them:\n")
    for line in loading_lines(folder.resolve()):
        print(f"    {line}")
    context.exit(1 if problems else 0)
