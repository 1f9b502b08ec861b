"""Financing plans: products combined so that a whole need is met, with currency risk.

A plan combines lines of a catalogue; it is a recommendation, never a credit decision. The solver is
imported when a plan is made, and not by the serving process.
"""

from recommender.plan_options import PlanOptions
from recommender.planning.planner import Planner
from recommender.planning.verify import PlanFault, verify_plan

__all__ = ["PlanFault", "PlanOptions", "Planner", "verify_plan"]
