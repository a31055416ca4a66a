"""Indicators: computed in SQL by schema `ta`, stored wide in market.indicators, resumable from any anchor."""
