"""Fills a new privacyIDEA with OCRA tokens; run by the interpreter that has it.

One token is enrolled as privacyIDEA does it, with seed and PIN; the others are copies of its rows under
serial numbers of their own, for enrolling one takes half a second.

Usage: python privacyidea_tokens.py CONFIGURATION COUNT < {"seed": hex, "pin": …, "suite": …}
"""

import json
import sys

from privacyidea.app import create_app
from privacyidea.lib.token import init_token
from privacyidea.models import db
from sqlalchemy import inspect, text

configuration, count = sys.argv[1], int(sys.argv[2])
asked = json.load(sys.stdin)
app = create_app(config_name="production", config_file=configuration, silent=True)
with app.app_context():
    token = {"type": "ocra", "serial": "OCRA000000", "otpkey": asked["seed"]}
    init_token({**token, "pin": asked["pin"], "ocrasuite": asked["suite"]})
    columns = [column["name"] for column in inspect(db.engine).get_columns("token")]
    kept = ", ".join(name for name in columns if name not in ("id", "serial"))
    copy_token = text(
        f"INSERT INTO token (serial, {kept}) SELECT :serial, {kept} FROM token WHERE id = 1"  # noqa: S608
    )
    copy_facts = text(
        'INSERT INTO tokeninfo ("Key", "Value", "Type", "Description", token_id)'
        ' SELECT "Key", "Value", "Type", "Description", (SELECT id FROM token WHERE serial = :serial)'
        " FROM tokeninfo WHERE token_id = 1"
    )
    serials = [{"serial": f"OCRA{number:06d}"} for number in range(1, count)]
    db.session.execute(copy_token, serials)
    db.session.execute(copy_facts, serials)
    db.session.commit()
