"""torch's compiler stays out of the way until it is needed, and is there then."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
import inspect
import torch
from mlcli.machine.compiler import defer_compiler

defer_compiler()
model = torch.nn.Linear(3, 3)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)

def step():
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()

step()
inspect.getmodule(inspect.currentframe())
assert "sympy" not in sys.modules
compiled = torch.compile(model, backend="eager")
assert torch.equal(compiled(torch.ones(2, 3)), model(torch.ones(2, 3)))
assert "sympy" in sys.modules and sys.modules["torch._dynamo"] is torch._dynamo
import torch._dynamo.config
step()
"""


def test_an_optimizer_does_without_the_compiler_and_torch_compile_finds_it() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_training_does_not_load_the_compiler(tmp_path: Path) -> None:
    for arguments in (["model=mlp"], ["-m", "trainer.seed=0,1", "hydra/launcher=stack"]):
        call = f"from mlcli.cli.training import main; main({['-q', 'tracking=none', 'trainer.epochs=1', *arguments]})"
        check = "import sys; sys.exit('sympy' in sys.modules)"
        script = f"if __name__ == '__main__':\n    {call}\n    {check}"
        path = tmp_path / "run.py"
        path.write_text(script)
        subprocess.run([sys.executable, str(path)], check=True, cwd=tmp_path)
