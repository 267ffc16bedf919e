# Copyright 2026 The UniMo-HF authors. Licensed under the Apache License, Version 2.0.
"""Training by others' programs: adapters of peft, a step of transformers' Trainer, checkpointed activations."""

import peft
import pytest
import torch
from transformers import Trainer, TrainingArguments
from unimo_cases import random_sequences, tiny_model

from unimo_hf.model.generation_unimo import Decoding

PROJECTIONS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def training_batch(config, task="i2vm"):
    ids, schedule = random_sequences(config, task)
    labels = ids.clone()
    labels[:, : schedule.condition_length] = -100
    return {"input_ids": ids, "labels": labels}, schedule


@pytest.mark.parametrize("checkpointing", [False, True])
def test_an_adapter_learns_alone_and_merges(checkpointing):
    model = tiny_model()
    batch, schedule = training_batch(model.config)
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=PROJECTIONS)).train()
    if checkpointing:
        adapted.enable_input_require_grads()
        adapted.activation_checkpointing_enable()
    before = {name: parameter.detach().clone() for name, parameter in adapted.named_parameters()}
    optimizer = torch.optim.SGD([p for p in adapted.parameters() if p.requires_grad], lr=1.0)
    adapted(**batch, use_cache=False).loss.backward()
    optimizer.step()
    changed = {name for name, parameter in adapted.named_parameters() if not torch.equal(parameter, before[name])}
    # The first step moves only B, since A's gradient is multiplied by a B of zeros.
    assert changed == {name for name in before if "lora_B" in name}
    assert len(changed) == len(PROJECTIONS) * model.config.num_hidden_layers
    adapted.eval()
    prompt = batch["input_ids"][:, : schedule.condition_length]
    with torch.no_grad():
        expected = adapted(batch["input_ids"]).logits
    target = adapted.generate_target(prompt, decoding=Decoding(do_sample=False))
    assert torch.equal(adapted.generate(prompt, do_sample=False)[:, prompt.shape[1] :], target)
    merged = adapted.merge_and_unload()
    assert type(merged) is type(model)
    with torch.no_grad():
        torch.testing.assert_close(merged(batch["input_ids"]).logits, expected, atol=1e-5, rtol=1e-4)


def test_a_step_of_the_trainer_learns_from_the_mean_over_all_targets(tmp_path):
    model = tiny_model()
    batch, _ = training_batch(model.config)
    rows = [{name: values[row] for name, values in batch.items()} for row in range(2)]
    expected = model(**batch).loss.item()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=2,
        learning_rate=1e-2,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=1,
    )
    trainer = Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)
    before = model.lm_head.weight.detach().clone()
    assert trainer.train().training_loss == pytest.approx(expected, rel=1e-4)
    assert not torch.equal(model.lm_head.weight, before)
    assert trainer.evaluate()["eval_loss"] < expected


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointed_activations_give_the_same_gradients(use_reentrant):
    gradients = []
    for checkpointing in (False, True):
        model = tiny_model().train()
        if checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": use_reentrant})
            assert model.is_activation_checkpointing
        batch, _ = training_batch(model.config)
        model(**batch, use_cache=False).loss.backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    for found, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected)


def test_aligned_labels_count_as_the_trainer_shifts_them():
    model = tiny_model()
    batch, _ = training_batch(model.config)
    shifted = torch.nn.functional.pad(batch["labels"][:, 1:], (0, 1), value=-100)
    found = model(batch["input_ids"], shift_labels=shifted)
    torch.testing.assert_close(found.loss, model(**batch).loss)
    # They go before labels, as in transformers.
    torch.testing.assert_close(
        model(**batch, shift_labels=shifted.roll(1, 0)).loss,
        model(batch["input_ids"], shift_labels=shifted.roll(1, 0)).loss,
    )
